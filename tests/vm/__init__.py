"""A simulated SageMaker notebook instance: a real Linux in QEMU, real NFS servers, a stand-in for AWS."""
