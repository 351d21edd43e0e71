"""The sandbox business, brought to life: its world acts on the log by the front door only.

census    which businesses are the sandbox's          hiring   its departments and agents
reading   the log, read on into the world             driver   the first start, then every second
"""
