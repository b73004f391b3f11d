"""The ROS 2 nodes: parameters, topics, nothing else. Only this folder imports rclpy."""
