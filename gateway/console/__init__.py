"""What operators see and press: a control socket for the command line."""
