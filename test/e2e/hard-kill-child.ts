/** A cloud in a process of its own, to be killed: takes in frames and prints the stages that they enter. */
import { startCloud } from '#local/cloud/cloud.ts'
import { Inbox } from '#local/show/inbox.ts'
import { Subscriber } from '#local/show/notices.ts'
import { follow, importTable } from '#local/show/service.ts'
import { field, planCampaign, transient } from '#local/sky/campaign.ts'
import { observe } from '#local/sky/observe.ts'
import { makeStarField } from '#local/sky/star-field.ts'
import { gaiaTable, ps1Table } from '#local/sky/survey-tables.ts'

const [assembly, stateFolder, frames] = process.argv.slice(2)
const cloud = await startCloud({ assembly, stateFolder })
const sky = makeStarField(field)
await Subscriber.join(cloud)
await importTable(cloud, 'gaia_dr3', gaiaTable(sky))
await importTable(cloud, 'ps1', ps1Table(sky))
await follow(cloud, transient)
cloud.events.on('run', ({ record }) => record.type === 'entered' && console.log(record.state))
const inbox = new Inbox(cloud)
// Nights when the transient is near its brightest.
const requests = planCampaign().filter(({ request }) => request && request.mjdStart > 61_100)
for (const { key, request } of requests.slice(0, Number(frames))) {
  void inbox.put(key, observe(sky, transient, request!).bytes)
}
