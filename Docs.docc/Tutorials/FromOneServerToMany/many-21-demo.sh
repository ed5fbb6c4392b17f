# In the clone of AfterCommit. Its servers are its own: in temporary folders, on free ports.
make demo-distributed
make demo-distributed BROKER=kafka
