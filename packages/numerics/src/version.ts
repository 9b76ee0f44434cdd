// Owns the name of the bits: two builds with the same version give the same numbers. Raise it, here and in
// native/binding.cpp, whenever a result changes in any bit; checkpoints and joins compare it.

/** Goes into the numerics fingerprint. The native addon carries its own copy and is refused when it differs. */
export const numericsVersion = "1";
