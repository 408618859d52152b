"""The pages: screens that call the same steps as the API and the command line, and hold no rule."""
