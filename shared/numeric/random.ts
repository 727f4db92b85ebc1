/** A seeded source of random numbers: the same seed gives the same draws on every machine. */
export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number
  /** Normal with mean 0 and standard deviation 1. */
  normal(): number
  /** Uniform integer in [0, n). */
  integer(n: number): number
  /** Poisson with the given mean. */
  poisson(mean: number): number
}

/**
 * xoshiro128** (Blackman & Vigna 2018), seeded through SplitMix32 from a string or number, so that any text, such as a
 * frame's identity, is a seed.
 */
export function random(seed: string | number): Random {
  let mix = typeof seed === 'number' ? seed >>> 0 : fnv1a(seed)
  const state = new Uint32Array(4)
  for (let i = 0; i < 4; i++) {
    mix = (mix + 0x9e3779b9) >>> 0
    let z = mix
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    state[i] = z ^ (z >>> 15)
  }
  let spare = Number.NaN

  function next32(): number {
    const product = Math.imul(state[1], 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0
    const shifted = state[1] << 9
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= shifted
    state[3] = (state[3] << 11) | (state[3] >>> 21)
    return result
  }

  function uniform(): number {
    return ((next32() >>> 5) * 67108864 + (next32() >>> 6)) / 9007199254740992
  }

  function normal(): number {
    if (!Number.isNaN(spare)) {
      const kept = spare
      spare = Number.NaN
      return kept
    }
    // Marsaglia & Bray 1964: the polar method, two normals a turn
    let u = 0
    let v = 0
    let s = 0
    do {
      u = 2 * uniform() - 1
      v = 2 * uniform() - 1
      s = u * u + v * v
    } while (s >= 1 || s === 0)
    const factor = Math.sqrt((-2 * Math.log(s)) / s)
    spare = v * factor
    return u * factor
  }

  function poisson(mean: number): number {
    // Above 50 the normal limit with continuity correction is right to a few parts in a thousand of its own scatter.
    if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal()))
    const limit = Math.exp(-mean)
    let product = uniform()
    let count = 0
    while (product > limit) {
      product *= uniform()
      count++
    }
    return count
  }

  return { uniform, normal, poisson, integer: n => Math.floor(uniform() * n) }
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
