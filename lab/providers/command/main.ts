import { serve } from "../server";
import { commandProvider } from "./provider";

serve(commandProvider);
