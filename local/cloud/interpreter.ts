import { createRequire, registerHooks } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

const INTERPRETER = join(dirname(createRequire(import.meta.url).resolve('aws-local-stepfunctions')), 'main.node.esm.js')

/**
 * What is amended while the interpreter is loaded. It takes every backslash out of what an intrinsic function answers,
 * to get rid of those before apostrophes in literals; States.JsonToString then gives broken JSON for any text with a
 * quotation mark in it. AWS takes backslashes out of the literals only.
 */
const AMENDMENTS = [
  ['result = result.replaceAll("\\\\", "");', ''],
  ['return arg.slice(1, lastSingleQuote);', `return arg.slice(1, lastSingleQuote).replace(/\\\\(['\\\\])/g, '$1');`],
] as const

/** The interpreter of the Amazon States Language, amended. @throws {Error} the package is not the version it was made for */
export async function loadInterpreter(): Promise<typeof import('aws-local-stepfunctions')> {
  const hooks = registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      if (!url.endsWith(AMENDED)) return loaded
      return { ...loaded, source: amended(String(loaded.source)) }
    },
  })
  try {
    return (await import(/* @vite-ignore */ `${pathToFileURL(INTERPRETER).href}${AMENDED}`)) as never
  } finally {
    hooks.deregister()
  }
}

/** Set apart from the same package imported as it is. */
const AMENDED = '?amended'

function amended(source: string): string {
  for (const [from, to] of AMENDMENTS) {
    if (!source.includes(from)) throw new Error(`aws-local-stepfunctions has changed: ${from} is not in it`)
    source = source.replace(from, () => to)
  }
  return source
}
