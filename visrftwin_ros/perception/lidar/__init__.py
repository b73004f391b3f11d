"""People in LiDAR sweeps."""
