"""Published settings, one file each: functions that return a config."""
