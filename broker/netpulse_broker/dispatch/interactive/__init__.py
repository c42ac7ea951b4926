"""Interactive sessions on the controller's side: opened, led, listed, ended."""
