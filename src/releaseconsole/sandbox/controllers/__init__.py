"""The controllers of the practice cluster: each looks at the store, and makes it a little more as wished."""
