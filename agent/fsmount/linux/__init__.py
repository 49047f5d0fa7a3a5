"""The doors to the kernel: system calls, pinned directories, other programs."""
