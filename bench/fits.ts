/**
 * How fast frames are decoded, beside astropy on the same files and machine.
 *
 *     node bench/fits.ts [--python PATH] [--rounds 7] [--size 4096]
 *
 * Ours and theirs take turns, so that a busy moment of the machine hits both; the medians of the rounds count. Reading
 * means, on both sides: from the bytes in memory to an array of physical values as 32-bit floats of the machine.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { openFits } from '#shared/fits/file.ts'
import { decodePlane } from '#shared/fits/image.ts'

const { values } = parseArgs({
  options: {
    python: { type: 'string', default: '/usr/bin/python3' },
    rounds: { type: 'string', default: '7' },
    size: { type: 'string', default: '4096' },
  },
})

const astropy = `
import io, sys, time, warnings
import numpy as np
from astropy.io import fits
warnings.simplefilter("ignore")
folder, size = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(1)
sky = rng.normal(800, 20, (size, size)).astype("f4")
fits.PrimaryHDU(np.rint(sky).astype("u2")).writeto(folder + "/uint16.fits")
fits.PrimaryHDU(sky).writeto(folder + "/float32.fits")
counts = np.rint(sky).astype("i2")
fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(counts, compression_type="RICE_1")]).writeto(folder + "/rice.fits")
held = {name: open(f"{folder}/{name}.fits", "rb").read() for name in ("uint16", "float32", "rice")}
print("ready", flush=True)
for line in sys.stdin:
    name = line.strip()
    start = time.perf_counter()
    with fits.open(io.BytesIO(held[name])) as file:
        np.asarray(file[-1].data, dtype="f4")
    print(time.perf_counter() - start, flush=True)
`

const folder = mkdtempSync(join(tmpdir(), 'cpcs-bench-'))
const child = spawn(values.python, ['-c', astropy, folder, values.size], { stdio: ['pipe', 'pipe', 'inherit'] })
const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
await lines.next()

console.log(`| ${values.size} × ${values.size} | CPCS ms | astropy ms | ratio |\n| --- | --- | --- | --- |`)
for (const name of ['uint16', 'float32', 'rice']) {
  const bytes = readFileSync(join(folder, `${name}.fits`))
  const ours: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < Number(values.rounds) + 2; round++) {
    ours.push(readOnce(bytes))
    child.stdin.write(`${name}\n`)
    theirs.push(Number((await lines.next()).value))
  }
  // the first two rounds warm up compilers and caches
  const [our, their] = [median(ours.slice(2)), median(theirs.slice(2))]
  console.log(`| ${name} | ${(our * 1000).toFixed(0)} | ${(their * 1000).toFixed(0)} | ${(our / their).toFixed(2)} |`)
}
child.stdin.end()
rmSync(folder, { recursive: true })

function readOnce(bytes: Uint8Array): number {
  const start = performance.now()
  const file = openFits(bytes)
  const { pixels } = decodePlane(file, file.hdus[file.hdus.length - 1])
  if (!(pixels[0] > 0)) throw new Error('no pixels')
  return (performance.now() - start) / 1000
}

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]
}
