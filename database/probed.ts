/** How many connections a backend's role needs beside its pods': the exporter's probe opens two, for a moment. */
export const PROBE_CONNECTIONS = 2;
