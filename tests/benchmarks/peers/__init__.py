"""The same trainings of Iris by other tools, each a script that runs as a whole process."""
