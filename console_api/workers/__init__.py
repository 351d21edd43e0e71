"""What goes on by itself: pictures are drawn, reactions follow, effects run, time runs out."""
