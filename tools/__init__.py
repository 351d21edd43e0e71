"""What the project needs around itself: installing, real servers and a real browser for tests."""
