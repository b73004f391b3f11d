"""rosbag2 recordings: files, types, topics, playback, what is whole in them."""
