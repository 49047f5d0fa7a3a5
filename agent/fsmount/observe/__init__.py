"""What is mounted, read from the kernel's own table without touching any mount."""
