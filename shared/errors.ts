/**
 * Every way a frame can end early: one table.
 *
 * `infra/` writes Retry and Catch of the state machine from it, `docs/` prints it, and the classes below carry its
 * sentences, so that what a telescope owner reads, what the machine does and what the code throws cannot drift apart.
 *
 * Policies: `reject` – the frame is at fault, the owner is told what to mend, no retry; `retry` – something outside was
 * not there, try again with back-off, then fail; `fail` – a defect of ours or a resource ran out, an operator looks.
 */

export type Policy = 'reject' | 'retry' | 'fail'
export type Stage = 'intake' | 'standardise' | 'solve' | 'measure' | 'calibrate' | 'record'

export interface ErrorPolicy {
  /** The stages that may throw it. */
  readonly stages: readonly Stage[]
  readonly policy: Policy
  /** The sentence for people, with {placeholders} filled from the details of the error. */
  readonly tells: string
}

const reading: readonly Stage[] = ['standardise', 'solve', 'measure', 'calibrate', 'record']

export const errors = {
  EmptyObject: {
    stages: ['standardise'],
    policy: 'reject',
    tells: 'The file is empty (0 bytes): the upload broke off, or the camera wrote nothing. Send it again.',
  },
  NotFits: {
    stages: ['standardise'],
    policy: 'reject',
    tells: 'The file is not FITS: {found}. Send the FITS file that the camera program writes.',
  },
  ObjectReplaced: {
    stages: ['standardise'],
    policy: 'reject',
    tells: 'The file {key} was overwritten before it could be read. Give every frame a name of its own.',
  },
  TruncatedFits: {
    stages: ['standardise'],
    policy: 'reject',
    tells:
      'The FITS file ends early: {found} bytes, {needed} needed for the pixels that its header announces. Send it again.',
  },
  BrokenHeader: { stages: ['standardise'], policy: 'reject', tells: 'The FITS header cannot be read: {found}.' },
  UnsupportedFits: { stages: ['standardise'], policy: 'reject', tells: 'This kind of FITS is not read yet: {found}.' },
  NoImage: { stages: ['standardise'], policy: 'reject', tells: 'The file holds no two-dimensional image: {found}.' },
  NotSingleImage: {
    stages: ['standardise'],
    policy: 'reject',
    tells: 'The file holds {found}; one two-dimensional image per file is needed. Split it and send each plane.',
  },
  NotLightFrame: {
    stages: ['standardise'],
    policy: 'reject',
    tells: 'The frame is no exposure of the sky: its header says {found}.',
  },
  NoPixelValues: { stages: ['standardise'], policy: 'reject', tells: 'The image carries no information: {found}.' },
  NoObservationTime: {
    stages: ['standardise'],
    policy: 'reject',
    tells:
      'The header does not tell when the exposure was: {found}. Write DATE-OBS as UTC, for example 2026-03-01T02:03:04.',
  },
  BadProfile: { stages: ['standardise'], policy: 'reject', tells: 'The telescope profile is not valid: {found}.' },
  TooFewStars: {
    stages: ['solve'],
    policy: 'reject',
    tells:
      'Only {found} stars, {needed} needed to find where the frame points: clouds, wrong focus, or a very short exposure?',
  },
  NoPointing: {
    stages: ['solve'],
    policy: 'reject',
    tells:
      'Nothing says where the frame points: {found}. Write RA and DEC into the header, register the target, or have the index of the whole sky built (cpcs tiles index).',
  },
  NoReferenceStars: {
    stages: ['solve'],
    policy: 'reject',
    tells:
      'There are {found} reference stars around RA {raDeg} Dec {decDeg} in {catalogues}: import the tiles there, or mend the pointing.',
  },
  NoPatternMatch: {
    stages: ['solve'],
    policy: 'reject',
    tells:
      'The star pattern was not found around RA {raDeg} Dec {decDeg} within {radiusDeg} deg ({found}): is the pointing, the pixel scale or the shape of the pixels in the header wrong?',
  },
  SkyCutOff: {
    stages: ['measure'],
    policy: 'reject',
    tells:
      'Too little of the sky is left to measure stars against ({found}): was a dark frame, or a black point, above the sky taken off?',
  },
  TooFewPsfStars: {
    stages: ['measure'],
    policy: 'reject',
    tells: 'Only {found} usable stars to learn the star shape from, {needed} needed: saturated, trailed or clouded?',
  },
  TilesUnavailable: {
    stages: ['solve', 'measure', 'calibrate'],
    policy: 'retry',
    tells: 'The reference catalogue {survey} could not be read: {cause}.',
  },
  IndexBroken: {
    stages: ['solve'],
    policy: 'fail',
    tells: 'The index of quads of {survey} cannot be used: {cause}. Build it anew: cpcs tiles index {survey}.',
  },
  UpstreamChanged: {
    stages: ['solve', 'measure', 'calibrate'],
    policy: 'fail',
    tells:
      'The service {service} does not answer as its description says: {found}. Mend the description of the survey, or import the survey.',
  },
  StoreUnavailable: { stages: reading, policy: 'retry', tells: 'The object store did not answer: {cause}.' },
  TableUnavailable: {
    stages: ['intake', 'measure', 'record'],
    policy: 'retry',
    tells: 'The table did not answer: {cause}.',
  },
  NoticeUndelivered: { stages: ['record'], policy: 'retry', tells: 'The notice could not be published: {cause}.' },
  ObjectMissing: { stages: reading, policy: 'fail', tells: 'The object {key} is not in the store.' },
  ContractBroken: { stages: reading, policy: 'fail', tells: 'The {side} of the stage breaks its contract: {found}.' },
} as const satisfies Record<string, ErrorPolicy>

export type ErrorName = keyof typeof errors

/** An error of the table: `name` is its row, `message` its sentence with the details filled in. */
export class CpcsError extends Error {
  readonly details: Readonly<Record<string, string | number>>

  /**
   * @param name row of the table
   * @param details values for the placeholders of its sentence
   * @param options the cause, as for `Error`
   */
  constructor(name: ErrorName, details: Record<string, string | number> = {}, options?: ErrorOptions) {
    super(sentence(errors[name].tells, details), options)
    this.name = name
    this.details = details
  }

  get policy(): Policy {
    return errors[this.name as ErrorName].policy
  }
}

/** Whether a thrown value is an error of the table with the given policy (any policy if none is named). */
export function isCpcsError(thrown: unknown, policy?: Policy): thrown is CpcsError {
  return thrown instanceof CpcsError && (policy === undefined || thrown.policy === policy)
}

/** Names of the errors that a stage may throw under a policy, in table order. */
export function errorNames(stage: Stage, policy: Policy): ErrorName[] {
  return (Object.keys(errors) as ErrorName[]).filter(name => {
    const row: ErrorPolicy = errors[name]
    return row.policy === policy && row.stages.includes(stage)
  })
}

function sentence(template: string, details: Record<string, string | number>): string {
  return template.replace(/\{(\w+)\}/g, (_, key: string) => String(details[key] ?? 'unknown'))
}
