import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Code } from 'aws-cdk-lib/aws-lambda'
import { buildSync } from 'esbuild'
import { type HandlerName, handlers } from './handlers.ts'

/** Where the code of each handler comes from. */
export type HandlerCode = (name: HandlerName) => Code

/**
 * Bundle every handler with one run of esbuild: ES modules with the AWS SDK inside, so that the version tested is the
 * version that runs. One run for all takes a second or two, where NodejsFunction starts a process per function; the
 * template is the same.
 *
 * @param folder where the bundles go, relative to the root of the project; what lies there is removed
 */
export function bundleHandlers(folder: string): HandlerCode {
  const root = join(import.meta.dirname, '..')
  rmSync(join(root, folder), { recursive: true, force: true })
  buildSync({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(Object.entries(handlers).map(([name, { file }]) => [`${name}/index`, file])),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    keepNames: true, // errors are told apart by name
    minifyWhitespace: true,
    minifySyntax: true,
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
    // packages written as CommonJS call require(), which an ES module does not have
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  })
  if (existsSync(join(root, 'web'))) cpSync(join(root, 'web'), join(root, folder, 'api', 'web'), { recursive: true })
  return name => Code.fromAsset(join(root, folder, name))
}
