"""The paper's figures 11 to 18, each one column wide, one file a group of them."""
