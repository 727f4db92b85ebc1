import type { Report, Target, TargetResult } from '#events/stages.ts'
import { flagNames, flags, isFlag } from '#shared/flags.ts'
import { objectIdOf } from '#shared/object-id.ts'

/** The report of a frame in a few lines for people. */
export function summary(report: Report): string {
  return [headline(report), ...body(report)].join('\n')
}

/** A sentence for each target that was asked for and has no result, on a frame that came as far as its targets. */
export function unmeasured({ targets: found, unmeasured: tried }: Report, asked: readonly Target[]): string[] {
  if (!found) return []
  return asked
    .filter(({ name }) => !found.some(target => target.name === objectIdOf(name)))
    .map(({ name }) => {
      const reason = tried?.find(target => target.name === name)?.reason
      return reason ? `${name} was not measured: ${reason}` : `${name} was not measured: it lies outside the frame`
    })
}

function headline(report: Report): string {
  if (report.outcome === 'rejected' || report.outcome === 'failed')
    return `${report.outcome} at ${report.stage}: ${report.reason}`
  return report.outcome
}

function body(report: Report): string[] {
  const { frame, wcs, psf, calibration, targets, injection, secondsPerStage } = report
  const lines: string[] = []
  if (frame)
    lines.push(
      `frame       ${frame.widthPx} × ${frame.heightPx} pixels, ${frame.dialect}, MJD ${frame.mjdUtcMid.toFixed(6)} UTC, ${frame.exposureSeconds} s, filter ${frame.filterName ?? 'unknown'}`,
    )
  if (wcs)
    lines.push(
      `astrometry  RA ${wcs.raDeg.toFixed(5)} Dec ${wcs.decDeg.toFixed(5)}, ${wcs.pixelScaleArcsec.toFixed(3)}"/pixel, ${wcs.matchedStars} stars of ${wcs.survey}, median residual ${wcs.medianResidualMas.toFixed(0)} mas (${wcs.medianResidualPx.toFixed(3)} pixel)`,
    )
  if (psf) lines.push(`star shape  FWHM ${psf.fwhmPx.toFixed(2)} pixel from ${psf.stars} stars, order ${psf.order}`)
  const chosen = calibration?.chosen
  if (chosen)
    lines.push(
      `zero point  ${chosen.zeroPoint.toFixed(4)} ± ${chosen.zeroPointError.toFixed(4)} in ${chosen.survey} ${chosen.band}, ${chosen.colour === '' ? 'no colour term' : `colour term ${chosen.colourTerm.toFixed(3)} × (${chosen.colour})`}, ${chosen.stars} stars, scatter ${chosen.scatter.toFixed(3)}${calibration.ambiguous ? ', band ambiguous' : ''}${calibration.contradictsHeader ? ', against the header' : ''}`,
    )
  for (const target of targets ?? []) lines.push(targetLine(target))
  if (injection && injection.half3SigmaMag !== null)
    lines.push(
      `injected    ${injection.stars} stars: half are recovered ${injection.half3SigmaMag.toFixed(2)} ± ${injection.half3SigmaErr?.toFixed(2)} mag fainter than the 3 sigma limit${injection.limit3Sigma === null ? '' : ` of ${injection.limit3Sigma.toFixed(2)}`}`,
    )
  for (const name of report.flags ?? []) if (isFlag(name)) lines.push(`flag        ${name}: ${flags[name].tells}`)
  if (secondsPerStage)
    lines.push(
      `seconds     ${Object.entries(secondsPerStage)
        .map(([stage, seconds]) => `${stage} ${seconds.toFixed(2)}`)
        .join(', ')}`,
    )
  return lines
}

function targetLine(target: TargetResult): string {
  const value =
    target.detected && target.mag !== null
      ? `${target.band} = ${target.mag.toFixed(3)} ± ${target.magErr?.toFixed(3)}`
      : target.limit5Sigma !== null
        ? `not seen, ${target.band} > ${target.limit5Sigma.toFixed(2)} (5 sigma)`
        : `flux ${target.flux.toFixed(1)} ± ${target.fluxErr.toFixed(1)}${target.fluxUnit ? ` ${target.fluxUnit}` : ''}, not calibrated`
  const names = flagNames(target.flags)
  return `${target.name.padEnd(11)} ${value}${names.length > 0 ? `  [${names.join(', ')}]` : ''}`
}
