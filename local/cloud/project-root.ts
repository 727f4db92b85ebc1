import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Folder of the project: where package.json lies. */
export const projectRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Where compiled bundles are kept; may be removed at any time. */
export const compiledFolder = join(projectRoot, '.cpcs', 'compiled')
