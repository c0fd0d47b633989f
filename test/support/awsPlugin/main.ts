import * as grpc from "@grpc/grpc-js";
import { type IResourceProviderServer, ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as protocol from "@pulumi/pulumi/proto/provider_pb";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { Account, type Properties, propertiesSchema } from "./account";
import { type Change, DoneAllTheSame, Provider } from "./provider";

/**
 * A stand-in for Pulumi's `pulumi-resource-aws`, which no package registry carries: the engine talks to it as to the
 * real one, and it keeps a folder (AWS_STANDIN) instead of an account. It takes every type that `@pulumi/aws` has,
 * gives back what it was given with ids and ARNs, and can be told to fail, and to have changed.
 */

const folder = process.env["AWS_STANDIN"];
if (folder === undefined)
  throw new Error("AWS_STANDIN is not set, expected the folder of the stand-in's account");
const provider = new Provider(new Account(folder));

/** A call of anything else is answered "unimplemented". */
const served: Pick<
  IResourceProviderServer,
  | "handshake"
  | "checkConfig"
  | "diffConfig"
  | "configure"
  | "check"
  | "diff"
  | "create"
  | "read"
  | "update"
  | "delete"
  | "invoke"
  | "getPluginInfo"
  | "cancel"
> = {
  handshake: (_call, answer) => answer(null, new protocol.ProviderHandshakeResponse()),
  getPluginInfo(_call, answer) {
    const info = new PluginInfo();
    info.setVersion("7.48.0");
    answer(null, info);
  },
  checkConfig: ({ request }, answer) =>
    answered(answer, () => checked(provider.checkConfig() ?? propertiesOf(request.getNews()))),
  diffConfig: ({ request }, answer) =>
    answered(answer, () => {
      const { changes } = provider.diff(
        propertiesOf(request.getNews()),
        propertiesOf(request.getOldInputs()),
      );
      return diffResponse(
        changes.map((change) => ({ ...change, replaces: false })),
        false,
      );
    }),
  configure: ({ request }, answer) =>
    answered(answer, () => {
      provider.configure(propertiesOf(request.getArgs()));
      const response = new protocol.ConfigureResponse();
      response.setSupportspreview(true);
      return response;
    }),
  check: ({ request }, answer) =>
    answered(answer, () =>
      checked(
        provider.check(named(request), propertiesOf(request.getNews()), propertiesOf(request.getOlds())),
      ),
    ),
  diff: ({ request }, answer) =>
    answered(answer, () => {
      const { changes, deleteFirst } = provider.diff(
        propertiesOf(request.getNews()),
        propertiesOf(request.getOldInputs()),
      );
      return diffResponse(changes, deleteFirst);
    }),
  create: ({ request }, answer) =>
    answered(answer, () => {
      const inputs = propertiesOf(request.getProperties());
      const { id, outputs } = provider.create(named(request), inputs, request.getPreview());
      const response = new protocol.CreateResponse();
      response.setId(id);
      response.setProperties(structOf(outputs));
      return response;
    }),
  update: ({ request }, answer) =>
    answered(answer, () => {
      const { outputs } = provider.update(
        named(request),
        request.getId(),
        propertiesOf(request.getNews()),
        propertiesOf(request.getOlds()),
        request.getPreview(),
      );
      const response = new protocol.UpdateResponse();
      response.setProperties(structOf(outputs));
      return response;
    }),
  read: ({ request }, answer) =>
    answered(answer, () => {
      const kept = provider.read(named(request), request.getId());
      const response = new protocol.ReadResponse();
      if (kept === undefined) return response;
      response.setId(kept.id);
      response.setProperties(structOf(kept.outputs));
      response.setInputs(structOf(kept.inputs));
      return response;
    }),
  delete: ({ request }, answer) =>
    answered(answer, () => {
      provider.delete(named(request), request.getId());
      return new Empty();
    }),
  invoke: ({ request }, answer) =>
    answered(answer, () => {
      const response = new protocol.InvokeResponse();
      response.setReturn(structOf(provider.invoke(request.getTok())));
      return response;
    }),
  cancel: (_call, answer) => answer(null, new Empty()),
};

/** Answers with what `act` gives, or with the error in the form in which the engine takes it. */
function answered<T>(answer: grpc.sendUnaryData<T>, act: () => T): void {
  try {
    answer(null, act());
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const metadata = error instanceof DoneAllTheSame ? initFailed(error) : new grpc.Metadata();
    answer({ code: grpc.status.UNKNOWN, details: message, metadata });
  }
}

/** Says that there is a resource, although making it failed, so that the engine keeps it. */
function initFailed({ message, made }: DoneAllTheSame): grpc.Metadata {
  const detail = new protocol.ErrorResourceInitFailed();
  detail.setId(made.id);
  detail.setProperties(structOf(made.outputs));
  detail.setInputs(structOf(made.inputs));
  detail.setReasonsList([message]);
  const any = new Any();
  any.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new Status();
  status.setCode(grpc.status.UNKNOWN);
  status.setMessage(message);
  status.addDetails(any);
  const metadata = new grpc.Metadata();
  metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return metadata;
}

function checked(result: Properties | string): protocol.CheckResponse {
  const response = new protocol.CheckResponse();
  if (typeof result !== "string") {
    response.setInputs(structOf(result));
    return response;
  }
  const failure = new protocol.CheckFailure();
  failure.setReason(result);
  response.setFailuresList([failure]);
  return response;
}

const { Kind } = protocol.PropertyDiff;
const kinds = {
  add: [Kind.ADD, Kind.ADD_REPLACE],
  delete: [Kind.DELETE, Kind.DELETE_REPLACE],
  update: [Kind.UPDATE, Kind.UPDATE_REPLACE],
} as const;

function diffResponse(changes: readonly Change[], deleteFirst: boolean): protocol.DiffResponse {
  const { DIFF_SOME, DIFF_NONE } = protocol.DiffResponse.DiffChanges;
  const response = new protocol.DiffResponse();
  response.setChanges(changes.length > 0 ? DIFF_SOME : DIFF_NONE);
  response.setDiffsList(changes.map(({ property }) => property));
  response.setReplacesList(changes.filter(({ replaces }) => replaces).map(({ property }) => property));
  response.setDeletebeforereplace(deleteFirst);
  response.setHasdetaileddiff(true);
  for (const { property, kind, replaces } of changes) {
    const detail = new protocol.PropertyDiff();
    detail.setKind(kinds[kind][replaces ? 1 : 0]);
    detail.setInputdiff(true);
    response.getDetaileddiffMap().set(property, detail);
  }
  return response;
}

function named(request: { getType(): string; getName(): string }): { type: string; name: string } {
  return { type: request.getType(), name: request.getName() };
}

function propertiesOf(struct: Struct | undefined): Properties {
  return propertiesSchema.parse(struct?.toJavaScript() ?? {});
}

function structOf(properties: Properties): Struct {
  return Struct.fromJavaScript({ ...properties });
}

// Messages may be of any size.
const server = new grpc.Server({
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
});
server.addService(ResourceProviderService, served);
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.stdout.write(`${port}\n`);
});

// An engine that was killed can't say goodbye; its children are then given to another parent.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.exit(0);
}, 500).unref();
