import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { releaseLock, takeLock } from './lock.ts'
import { compiledFolder, projectRoot } from './project-root.ts'

/** What the assembly is made of: a change in any of it calls for a new one. */
const SOURCES = ['infra', 'functions', 'shared', 'events', 'web', 'cdk.json', 'package.json', 'package-lock.json']

/** Older assemblies that are kept, so that a running cloud does not lose the bundles under it. */
const KEPT = 3

/**
 * Synthesise the stack, without network and account, as `cdk synth` does; an assembly of the same sources is reused.
 *
 * @returns folder of the assembly, inside the project, so that bundles find the packages they leave out
 * @throws {Error} with what the app printed, where it ends badly; where sources change meanwhile
 */
export async function synthesise(options: { progress?: (line: string) => void } = {}): Promise<string> {
  // As deep below the root as the app's own folder of bundles: source maps find the sources from here, too.
  const assemblies = join(projectRoot, '.cpcs')
  const folder = folderOf(assemblies)
  if (existsSync(join(folder, 'manifest.json'))) {
    utimesSync(folder, new Date(), new Date())
    return folder
  }
  mkdirSync(assemblies, { recursive: true })
  return alone(join(assemblies, 'assembly.lock'), async () => {
    if (existsSync(join(folder, 'manifest.json'))) return folder // another process was quicker
    options.progress?.('Synthesising the stack')
    const draft = join(assemblies, 'assembly-draft')
    rmSync(draft, { recursive: true, force: true })
    await runApp(draft)
    if (folder !== folderOf(assemblies)) throw new Error('The sources changed while the stack was synthesised.')
    renameSync(draft, folder)
    forgetOld(assemblies)
    rmSync(compiledFolder, { recursive: true, force: true }) // of bundles that are no more
    return folder
  })
}

/** Folder of the assembly of the sources as they are now. */
function folderOf(assemblies: string): string {
  return join(assemblies, `assembly-${fingerprint()}`)
}

/** Do the work while no other process does it: the app writes its bundles to one place. */
async function alone<T>(lock: string, work: () => Promise<T>): Promise<T> {
  while (takeLock(lock) !== undefined) await sleep(100)
  try {
    return await work()
  } finally {
    releaseLock(lock)
  }
}

function runApp(outputFolder: string): Promise<void> {
  const { app, context } = JSON.parse(readFileSync(join(projectRoot, 'cdk.json'), 'utf8')) as {
    app: string
    context?: Record<string, unknown>
  }
  const [program, ...arguments_] = app.split(' ')
  const child = spawn(program === 'node' ? process.execPath : program, arguments_, {
    cwd: projectRoot,
    env: {
      ...process.env,
      CDK_OUTDIR: outputFolder,
      CDK_CONTEXT_JSON: JSON.stringify({ ...context, 'aws:cdk:bundling-stacks': ['**'] }),
      CDK_VALIDATION: 'false', // a slow check of cdk's own; the rules of cdk-nag are applied all the same
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stdout.on('data', chunk => (said += chunk))
  child.stderr.on('data', chunk => (said += chunk))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', status =>
      status === 0 ? resolve() : reject(new Error(`Synthesis ended with status ${status}:\n${said.slice(-8000)}`)),
    )
  })
}

function fingerprint(): string {
  const hash = createHash('sha256').update(process.version)
  for (const source of SOURCES) {
    for (const file of filesOf(join(projectRoot, source))) {
      hash
        .update(`${relative(projectRoot, file)}\0`)
        .update(readFileSync(file))
        .update('\0')
    }
  }
  return hash.digest('hex').slice(0, 16)
}

function filesOf(path: string): string[] {
  if (!existsSync(path)) return []
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path)
    .sort()
    .flatMap(name => filesOf(join(path, name)))
}

function forgetOld(assemblies: string): void {
  const byAge = readdirSync(assemblies)
    .filter(name => /^assembly-[0-9a-f]{16}$/.test(name))
    .map(name => ({ path: join(assemblies, name), at: statSync(join(assemblies, name)).mtimeMs }))
    .sort((a, b) => b.at - a.at)
  for (const { path } of byAge.slice(KEPT)) rmSync(path, { recursive: true, force: true })
}
