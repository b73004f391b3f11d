"""Full solves by Sionna RT, kept on disk or run in a process of their own."""
