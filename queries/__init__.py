"""Questions the business can be asked. Answers come from read models, never from history."""
