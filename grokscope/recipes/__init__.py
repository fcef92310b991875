"""Published settings, one file each: functions that give a config."""
