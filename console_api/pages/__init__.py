"""The Operations Console: pages for people, rendered here, alive and safe in any browser."""
