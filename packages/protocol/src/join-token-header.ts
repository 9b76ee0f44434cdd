// Owns the name under which a worker sends the join token, in the metadata of GetRun and Join.
export const joinTokenHeader = "lockstep-join-token";
