import * as fs from "node:fs";
import ts from "typescript";

/** A field of an interface. */
export interface TypeField {
  name: string;
  /** As it stands in the code: `string | false`. */
  type: string;
  optional: boolean;
  /** Its doc comment, in one line. */
  description: string;
}

/** The fields of an interface with their doc comments, read from its source file, so that they stand in one place. */
export function typeFields(file: string, name: string): TypeField[] {
  const source = ts.createSourceFile(
    file,
    fs.readFileSync(file, "utf8"),
    ts.ScriptTarget.Latest,
    true,
  );
  const found = source.statements.filter(ts.isInterfaceDeclaration);
  const members = [...(found.find((each) => each.name.text === name)?.members ?? [])];
  return members.filter(ts.isPropertySignature).map((member) => ({
    name: member.name.getText(),
    type: member.type?.getText() ?? "",
    optional: member.questionToken !== undefined,
    description: ts
      .getJSDocCommentsAndTags(member)
      .map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? "")
      .join(" ")
      .replace(/\s+/g, " "),
  }));
}
