// Defines `PROTOCOL_VERSION`. All processes of a run must have the same version. It is raised when a process of the previous
// version would misunderstand a message.
export const PROTOCOL_VERSION = 1;
