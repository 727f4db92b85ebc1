/** The entry of `cdk synth` and `cdk deploy`: one stack, checked against the AwsSolutions rules of cdk-nag. */
import { App, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { bundleHandlers } from './bundle.ts'
import { CpcsStack, featureFlags } from './stack.ts'

const app = new App({ context: featureFlags })
new CpcsStack(app, 'Cpcs', { code: bundleHandlers('cdk.out/bundles') })
Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
