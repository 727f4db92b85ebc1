/** Version of the pipeline: enters every point and the key of every run, so that a new one supersedes openly. */
export const PIPELINE_VERSION = '0.1.0'
