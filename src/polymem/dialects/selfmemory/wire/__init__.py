"""The shapes of SelfMemory's requests and answers, by resource."""
