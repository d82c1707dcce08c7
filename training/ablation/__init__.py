"""What moves the figure: short runs from one start on one subset that differ in one thing each, judged side by side."""
