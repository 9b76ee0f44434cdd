// Defines `numericsVersion`. Two builds with the same version give the same bits. Raise it, here and in native/binding.cpp, when a
// bit of any result changes. Checkpoints and workers that join are checked by it.

/** A part of the numerics fingerprint. The native addon has a copy of it and is not used when the copy differs. */
export const numericsVersion = "1";
