"""Whether a process can do what it is for, asked over HTTP and answered with the reason."""
