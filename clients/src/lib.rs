//! Other people's libraries that take a lock, with locks of ours: what they do with it is in `tests/`.
