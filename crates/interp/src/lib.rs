//! The Cinder interpreter: frames, dispatch loop, calls, generators, import, builtins and the embedding API.
