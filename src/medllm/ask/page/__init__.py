"""The answer as one HTML page: `render` is the door, the others are the parts of the page."""
