// Uses a TypeScript client (fetch) that was generated from schemas/openapi.json, and prints a line for each answer that it understood.
//   node survives.js URL TOKEN
import {
    CatalogueApi, Configuration, MismatchApi, PredicateOp, Purpose, ResponseError, VerificationApi, VerificationRequest,
} from './index';

declare const process: { argv: string[]; exit(code: number): void };

const purpose: Purpose = { itemCode: '11340200003010677X3442199806003', applicationNo: 'CLIENT-1', operator: 'window-1' };

function request(name: string, number = '11010519491231002X'): VerificationRequest {
    const born = { op: PredicateOp.OnOrBefore, value: '2020-01-01' };
    return { dataset: 'natural-person', purpose, subject: { id_number: number }, claims: { name, birth_date: born } };
}

async function main(basePath: string, accessToken: string) {
    const connection = new Configuration({ basePath, accessToken });
    const verifications = new VerificationApi(connection);
    for (const name of ['张三丰', '李四']) {
        const answer = await verifications.verify({ verificationRequest: request(name) });
        console.log('outcome', answer.outcome);
        console.log('verdict', answer.fields['name'].verdict);
    }
    const items = ['11010519491231002X', '1'].map((number, n) => (
        { ref: `${n}`, dataset: 'natural-person', subject: { id_number: number }, claims: { name: '张三丰' } }
    ));
    const batch = await verifications.verifyBatch({ batchRequest: { purpose, items } });
    console.log('batch', batch.results.length);
    console.log('datasets', (await new CatalogueApi(connection).listDatasets()).datasets.length);
    console.log('mismatches', (await new MismatchApi(connection).listMismatches()).mismatches.length);
    try {
        await verifications.verify({ verificationRequest: request('张三丰', '1') });
    } catch (refused) {
        console.log('refused', refused instanceof ResponseError ? refused.response.status : refused);
    }
}

main(process.argv[2], process.argv[3]).catch((fault) => {
    console.error(fault);
    process.exit(1);
});
