import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { RefusedTemplate } from './refused-template.ts'
import type { Template } from './template.ts'

/** One stack of a synthesised assembly, as `cdk deploy` would take it. */
export interface Assembly {
  /** Name of the stack. */
  stack: string
  template: Template
  /** Folder or file of an asset by the hash in its S3 key; undefined where the assembly has no such asset. */
  asset(hash: string): string | undefined
}

/**
 * Read the stack of a synthesised assembly (`cdk.out`).
 *
 * @param folder the assembly
 * @param stack name of the stack; needed only where the assembly has several
 * @throws {RefusedTemplate} no stack, or several and none named
 */
export function readAssembly(folder: string, stack?: string): Assembly {
  const manifestFile = join(folder, 'manifest.json')
  if (!existsSync(manifestFile)) throw new RefusedTemplate(folder, 'this is no synthesised assembly (no manifest.json)')
  const manifest = readJson(manifestFile) as { artifacts?: Record<string, Artifact> }
  const stacks = Object.entries(manifest.artifacts ?? {}).filter(([, { type }]) => type === 'aws:cloudformation:stack')
  const chosen = stack === undefined ? stacks : stacks.filter(([name]) => name === stack)
  if (chosen.length !== 1) {
    const names = stacks.map(([name]) => name).join(', ') || 'none'
    throw new RefusedTemplate(folder, `one stack is run at a time; the assembly has: ${names}`)
  }
  const [name, artifact] = chosen[0]
  const template = readJson(join(folder, artifact.properties.templateFile)) as Template
  const assetsFile = join(folder, `${name}.assets.json`)
  const files = existsSync(assetsFile) ? (readJson(assetsFile) as AssetManifest).files : {}
  return {
    stack: name,
    template,
    asset: hash => (files[hash] === undefined ? undefined : resolve(folder, files[hash].source.path)),
  }
}

interface Artifact {
  type: string
  properties: { templateFile: string }
}

interface AssetManifest {
  files: Record<string, { source: { path: string; packaging: string } }>
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'))
}
