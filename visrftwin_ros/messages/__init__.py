"""The codecs between messages and arrays, for rclpy's classes and rosbags' alike.

Reading takes any object with the fields of the message; making takes a `Make`, which says whose.
"""
