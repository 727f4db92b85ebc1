import { type CfnTopic, Topic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'

/** The topic that tells subscribers of every new point; its messages are described in events/notice.ts. */
export class Notices extends Construct {
  readonly topic: Topic

  constructor(scope: Construct, id: string) {
    super(scope, id)
    this.topic = new Topic(this, 'Topic', { displayName: 'CPCS notices', enforceSSL: true })
    // the account's own SNS key, by name: no key of ours to pay for, and publishers in the account may use it
    const topic = this.topic.node.defaultChild as CfnTopic
    topic.kmsMasterKeyId = 'alias/aws/sns'
  }
}
