/**
 * The kernel's small files, for those above `ffi/`.
 *
 * @module
 */

export { readSystemFile } from "../ffi/system_file.ts";
