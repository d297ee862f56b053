//! Python's object model: tagged values, heap, reference counts, shapes, types and the built-in data types.
