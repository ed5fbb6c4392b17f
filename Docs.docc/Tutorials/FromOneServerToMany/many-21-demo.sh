# In the clone of AfterCommit. Servers of its own, in temporary folders, on free ports.
make demo-distributed
