"""A twin in the tools of others: RViz, Foxglove and rosbag2 set up for its site and namespace."""
