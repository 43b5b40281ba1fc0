"""Disks and discs, read without a kernel: containers (VHD, VMDK, ...), partitions, file systems."""
